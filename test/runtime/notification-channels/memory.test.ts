import { describe, it } from "@effect/vitest";
import { Effect } from "effect";
import { TestClock } from "effect/testing";
import { notificationChannelCases } from "../../../src/testing.ts";
import { memoryChannel } from "../../../src/runtime/notification-channels/memory.ts";

const subject = () => {
  const channel = memoryChannel();
  let tries = 0;
  const counted = {
    ...channel,
    deliver: (...args: Parameters<typeof channel.deliver>) =>
      Effect.suspend(() => {
        tries += 1;
        return channel.deliver(...args);
      }),
  };
  return {
    channel: counted,
    received: () => channel.received.map(({ id, data }) => ({ id, data })),
    tries: () => tries,
    answer: channel.answer,
    passTime: TestClock.adjust,
    secrets: [],
  };
};

describe("the memory channel", () => {
  for (const { name, run } of notificationChannelCases)
    it.effect(name, () => Effect.suspend(() => run(subject())));
});

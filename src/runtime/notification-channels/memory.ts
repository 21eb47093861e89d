/** A channel into memory, for tests: what arrived is kept, and what is to become of the next tries is said. */
import { Effect } from "effect";
import {
  type Notification,
  type NotificationChannel,
  NotDelivered,
} from "../notification-channel.ts";

/** `refuse`: this time, `refuseForGood`: it is of no use to try again, `hang`: there is never an answer. */
export type MemoryAnswer = "take" | "refuse" | "refuseForGood" | "hang";

export interface MemoryChannel extends NotificationChannel {
  /** What was taken, in its order; a repetition is there twice. */
  readonly received: ReadonlyArray<Notification>;
  /** What becomes of every try from now on. */
  readonly answer: (answer: MemoryAnswer) => void;
}

/** Takes everything until it is told otherwise. */
export const memoryChannel = (): MemoryChannel => {
  const received: Array<Notification> = [];
  let answer: MemoryAnswer = "take";
  const refused = (isPermanent: boolean) =>
    new NotDelivered({ detail: "refused, as the test wants it", isPermanent });
  return {
    kind: "memory",
    received,
    answer: (next) => {
      answer = next;
    },
    deliver: (notification) =>
      Effect.suspend(() => {
        if (answer === "hang") return Effect.timeoutOrElse(Effect.never, hanging);
        if (answer !== "take") return Effect.fail(refused(answer === "refuseForGood"));
        received.push(notification);
        return Effect.void;
      }),
  };
};

const hanging = {
  duration: "15 seconds",
  orElse: () => Effect.fail(new NotDelivered({ detail: "no answer", isPermanent: false })),
} as const;

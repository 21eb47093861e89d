/** What providers sign with: given at the start, or asked for once and, when nothing fits any more, again. */
import { Clock, Deferred, Effect, Redacted } from "effect";
import type { ProviderFailure } from "../../steps/failure.ts";
import type { ModelClient } from "../../steps/model-client.ts";
import { isWebhookSecret } from "./webhook-signature.ts";

/** A secret may have been changed at the provider; forged deliveries must not make us ask all the time. */
const askAgainAfterMs = 300_000;

interface Known {
  readonly secret: string;
  readonly at: number;
}

export class WebhookSecrets {
  readonly #given: ReadonlyMap<string, Redacted.Redacted>;
  readonly #known = new Map<string, Known>();
  /** One question at a time: who cannot wait for its answer leaves it to the next. */
  readonly #asking = new Map<string, Deferred.Deferred<string | null, ProviderFailure>>();

  constructor(given: ReadonlyMap<string, Redacted.Redacted>) {
    this.#given = given;
  }

  /** The secret of the client's provider; null where it has none. Fails with: ProviderFailure. */
  of(client: ModelClient): Effect.Effect<string | null, ProviderFailure> {
    const given = this.#given.get(client.provider);
    if (given !== undefined) return Effect.succeed(Redacted.value(given));
    const known = this.#known.get(client.provider);
    return known === undefined ? this.#ask(client) : Effect.succeed(known.secret);
  }

  /** Another secret than the one that did not fit; null where there is none. Fails with: ProviderFailure. */
  renewed(client: ModelClient): Effect.Effect<string | null, ProviderFailure> {
    const known = this.#known.get(client.provider);
    if (this.#given.has(client.provider) || known === undefined) return Effect.succeed(null);
    return Effect.flatMap(Clock.currentTimeMillis, (now) =>
      now - known.at < askAgainAfterMs ? Effect.succeed(null) : this.#ask(client),
    );
  }

  #ask(client: ModelClient): Effect.Effect<string | null, ProviderFailure> {
    return Effect.gen({ self: this }, function* () {
      const { provider } = client;
      const asking = this.#asking.get(provider);
      if (asking !== undefined) return yield* Deferred.await(asking);
      const answer = Deferred.makeUnsafe<string | null, ProviderFailure>();
      this.#asking.set(provider, answer);
      const asked = Effect.onExit(this.#askNow(client), (exit) => {
        this.#asking.delete(provider);
        return Deferred.done(answer, exit);
      });
      yield* Effect.forkDetach(Effect.ignore(asked));
      return yield* Deferred.await(answer);
    });
  }

  #askNow({ provider, webhookSecret }: ModelClient): Effect.Effect<string | null, ProviderFailure> {
    if (webhookSecret === undefined) return Effect.succeed(null);
    return Effect.gen({ self: this }, function* () {
      const secret = Redacted.value(yield* webhookSecret);
      if (!isWebhookSecret(secret)) return null;
      this.#known.set(provider, { secret, at: yield* Clock.currentTimeMillis });
      return secret;
    });
  }
}

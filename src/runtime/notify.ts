/** The channels that notifications can go through, and the check for who receives them. */
import { type EmailOptions, emailChannel } from "./notification-channels/email.ts";
import { memoryChannel } from "./notification-channels/memory.ts";
import { type WebhookOptions, webhookChannel } from "./notification-channels/webhook.ts";
import { isWebhookSigned } from "./notification-channels/webhook/received.ts";
import type { NotificationChannel } from "./notification-channel.ts";

export const Notify = {
  /** POSTs, signed by the Standard Webhooks scheme. Throws StartError that names the option. */
  webhook: (options: WebhookOptions): NotificationChannel => webhookChannel(options),
  /** Messages over SMTP. Throws StartError that names the option. */
  email: (options: EmailOptions): NotificationChannel => emailChannel(options),
  /** Keeps what it is given, for tests. */
  memory: memoryChannel,
  /** Whether a webhook that came in was signed with the secret, not longer than five minutes ago. */
  isSigned: isWebhookSigned,
} as const;

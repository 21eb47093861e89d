/** The account that every token belongs to, and the owner of the deployments. */
export const ACCOUNT = { type: "user", username: "emulated", name: "Emulated Account" } as const;

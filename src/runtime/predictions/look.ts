/** What a look at a known prediction shows. */

/** `denied`: not known, or not yet, or not by whoever answered; `gone`: not known for certain; `silent`: not answered. */
export type Look = "open" | "over" | "denied" | "gone" | "silent";

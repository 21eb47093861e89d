/** Amounts as the demo writes them. */

/** Millionths of a US dollar as dollars, to a tenth of a millionth. */
export const dollars = (micros: number): string => `$${(micros / 1e6).toFixed(7)}`;

/** The costs of a provider that says dollars, in the unit and precision of receipts. */
export const microsOf = (usd: number): number => Math.round(usd * 1e7) / 10;

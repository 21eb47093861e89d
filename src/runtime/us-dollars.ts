/** Amounts of the ledger, in millionths of a US dollar, as people and programs outside read them: in dollars. */

/** Without the digits that come of dividing, such as 0.0000057999999999999995. */
export const usdOf = (micros: number): number => Number((micros / 1e6).toPrecision(12));

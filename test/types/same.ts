/** Claims about types that hold exactly when the program compiles. */
export type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles exactly when its type argument is `true`. */
export const holds = <_Claim extends true>(): void => undefined;

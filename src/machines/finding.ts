/** What a static check found: data, to be printed, thrown or asserted on. */
export interface Finding {
  /** The rule's name, such as `unreachable-state`. */
  readonly rule: string;
  /** A step's path, or a state's. */
  readonly where: string;
  readonly message: string;
  /** An `error` keeps a pipeline from being deployed. */
  readonly severity: "error" | "warning";
}

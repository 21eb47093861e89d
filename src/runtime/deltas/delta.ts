/** A piece of what a model writes. */
export interface Delta {
  /** The step that asked the model. */
  readonly step: string;
  /** 1-based, as in the journal. A call of a later attempt, or a later call, takes the place of what came before. */
  readonly attempt: number;
  /** Which call of the attempt it is, 1-based; what follows the first one are repairs. */
  readonly call: number;
  /** Characters of this call's text that come before: fewer than a reader has, and the text begins there again; more, and it has missed some. */
  readonly offset: number;
  readonly text: string;
}

/** A bug that this design is meant to make impossible, as the smallest change that brings it in. */

export interface Edit {
  /** Under `src/`. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface PlantedBug {
  readonly name: string;
  readonly edits: ReadonlyArray<Edit>;
}

export const bug = (name: string, ...edits: ReadonlyArray<Edit>): PlantedBug => ({ name, edits });

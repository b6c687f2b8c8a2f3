/** One value of one key from one source, and the order of the sources. */

/** A higher layer overrides a lower one. */
export const LAYER = { file: 1, dotenv: 2, environment: 3, argument: 4 } as const;
export type Layer = (typeof LAYER)[keyof typeof LAYER];

export interface Position {
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
}

/** Where a value came from, as far as problems and `parley config` show it. */
export interface Origin {
  readonly layer: Layer;
  /** `parley.yaml:3`, `env PORT`, `.env PORT` or `argument server.port`. */
  readonly source: string;
  readonly env?: string;
  readonly file?: string;
  readonly position?: Position;
  /** Positions of the items of a list. */
  readonly itemPositions?: readonly Position[];
}

export interface Setting extends Origin {
  /** Key path. */
  readonly key: string;
  /** Not yet checked. */
  readonly value: unknown;
}

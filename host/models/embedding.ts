/** A text to embed, and its field in the request (`texts.3`), for errors. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** Texts to embed in one request to a model. */
export interface EmbedRequest {
  readonly texts: readonly NamedText[];
  /** Whether a text that is too long is cut at its end; otherwise it is rejected. */
  readonly truncate: boolean;
}

/** The embedding of one text. */
export interface Embedded {
  readonly vector: Float32Array;
  /** Evaluated tokens, including those that the model adds to every text. */
  readonly tokens: number;
  readonly truncated: boolean;
}

/** Documents to score against a query in one request to a model. */
export interface RankRequest {
  readonly query: NamedText;
  readonly documents: readonly NamedText[];
  /** Whether a document that is too long is cut at its end; otherwise it is rejected. */
  readonly truncate: boolean;
}

/** One document's score. */
export interface Ranked {
  /** 0 to 1, from the model's rank head. */
  readonly score: number;
  /** Evaluated tokens: query, document, and those that the model adds. */
  readonly tokens: number;
  readonly truncated: boolean;
}

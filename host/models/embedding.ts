/** A text to be embedded, and how its request calls it (`texts.3`), for errors. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** Some texts to be embedded in one turn. */
export interface EmbedRequest {
  readonly texts: readonly NamedText[];
  /** True: a text that is too long is cut at its end. False: it is refused. */
  readonly truncate: boolean;
}

/** One text's vector, as the model gives it. */
export interface Embedded {
  readonly vector: Float32Array;
  /** Evaluated, those included that the model wants around every text. */
  readonly tokens: number;
  readonly truncated: boolean;
}

/** Some documents to be scored against one query in one turn. */
export interface RankRequest {
  readonly query: NamedText;
  readonly documents: readonly NamedText[];
  /** True: a document that is too long is cut at its end. False: it is refused. */
  readonly truncate: boolean;
}

/** One document's score. */
export interface Ranked {
  /** 0 to 1, as the model's rank head says. */
  readonly score: number;
  /** Evaluated: query, document, and what stands around them. */
  readonly tokens: number;
  readonly truncated: boolean;
}

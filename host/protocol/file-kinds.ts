/** What a GGUF file is. */
export const FILE_KINDS = ['model', 'draft', 'adapter', 'projector', 'imatrix', 'vocabulary', 'part', 'other'] as const;
export type FileKind = (typeof FILE_KINDS)[number];

/** Programs whose model files are used in place, by their names in ids and `source` fields. */
export const PROGRAMS = ['huggingface', 'llama.cpp', 'lmstudio', 'ollama', 'jan', 'gpt4all'] as const;
export type Program = (typeof PROGRAMS)[number];

/** Where a file outside the cache comes from: a program, a folder the user configured, or a file the user imported. */
export const MODEL_SOURCES = [...PROGRAMS, 'folder', 'import'] as const;
export type ModelSource = (typeof MODEL_SOURCES)[number];

/** Their names for display. */
export const SOURCE_NAMES: Readonly<Record<ModelSource, string>> = {
  huggingface: 'the Hugging Face cache',
  'llama.cpp': 'llama.cpp',
  lmstudio: 'LM Studio',
  ollama: 'Ollama',
  jan: 'Jan',
  gpt4all: 'GPT4All',
  folder: 'a folder you configured',
  import: 'a file you imported',
};

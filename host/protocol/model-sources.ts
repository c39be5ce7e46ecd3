/** Programs whose model files are used where they lie, by the names that ids and `source` fields have for them. */
export const PROGRAMS = ['huggingface', 'llama.cpp', 'lmstudio', 'ollama', 'jan', 'gpt4all'] as const;
export type Program = (typeof PROGRAMS)[number];

/** Where a file comes from that is not ours: a program, a folder the user configured, or a file the user imported. */
export const MODEL_SOURCES = [...PROGRAMS, 'folder', 'import'] as const;
export type ModelSource = (typeof MODEL_SOURCES)[number];

/** What people call them. */
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

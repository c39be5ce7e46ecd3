import { getLlama, LlamaCompletion } from 'node-llama-cpp';

/**
 * Prints JSON with information from node-llama-cpp: the architectures and tensor types of its llama.cpp and, for a
 * given model, the greedy completion of each prompt.
 *
 * Arguments: `[model, prompt…]`.
 */
const [model, ...prompts] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: 'never', progressLogs: false, logger: () => undefined });

// Not part of the binding's public API. Only tests use it, to compare our tables with the library.
const { _bindings: binding } = llama as unknown as {
  _bindings: {
    getAllArchs(): string[];
    getBlockSizeForGgmlType(id: number): number | undefined;
    getTypeSizeForGgmlType(id: number): number | undefined;
  };
};
const types = [];
for (let id = 0; ; id++) {
  const elements = binding.getBlockSizeForGgmlType(id);
  if (elements === undefined) break;
  if (elements > 0) types.push([id, elements, binding.getTypeSizeForGgmlType(id)]);
}

const completions: Record<string, string> = {};
if (model !== undefined) {
  const loaded = await llama.loadModel({ modelPath: model });
  const context = await loaded.createContext({ contextSize: 256, sequences: 1, threads: 1 });
  for (const prompt of prompts) {
    const contextSequence = context.getSequence();
    const completion = new LlamaCompletion({ contextSequence });
    completions[prompt] = await completion.generateCompletion(prompt, { temperature: 0, maxTokens: 32 });
    completion.dispose();
    contextSequence.dispose();
  }
}
process.stdout.write(JSON.stringify({ architectures: binding.getAllArchs(), types, completions }));
process.exit(0);

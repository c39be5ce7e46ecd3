/** The part of node-llama-cpp that is used, and the only place where it is imported: the bundle holds nothing else of it. */
export {
  getLlama,
  InputLookupTokenPredictor,
  InsufficientMemoryError,
  LlamaGrammarEvaluationState,
  LlamaLogLevel,
  LlamaText,
  SpecialTokensText,
  TokenBias,
} from 'node-llama-cpp';

/** The types of what the binding makes, named once. */
export type Binding = typeof import('./binding.ts');
export type Llama = Awaited<ReturnType<Binding['getLlama']>>;
export type Model = Awaited<ReturnType<Llama['loadModel']>>;
export type Context = Awaited<ReturnType<Model['createContext']>>;
export type EmbeddingContext = Awaited<ReturnType<Model['createEmbeddingContext']>>;
export type RankingContext = Awaited<ReturnType<Model['createRankingContext']>>;
export type Sequence = ReturnType<Context['getSequence']>;
export type Token = Sequence['contextTokens'][number];
export type SamplerOptions = NonNullable<Parameters<Sequence['evaluate']>[1]>;
/** What a single token is sampled with. */
export type TokenOptions = NonNullable<
  Extract<Parameters<Sequence['controlledEvaluate']>[0][number], readonly unknown[]>[1]['generateNext']
>['options'] & {};
export type TokenBias = InstanceType<Binding['TokenBias']>;
export type GrammarState = InstanceType<Binding['LlamaGrammarEvaluationState']>;

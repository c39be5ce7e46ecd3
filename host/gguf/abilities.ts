import { type GgufHeader, numberOf, stringOf } from './header.ts';

/** The operations that a model may support. */
export const ABILITIES = ['generate', 'embed', 'rank'] as const;
export type Ability = (typeof ABILITIES)[number];

/** For each ability, null if the model has it, otherwise the reason why not, as a clause that follows "because". */
export type ModelAbilities = Readonly<Record<Ability, string | null>>;

/**
 * Encoder architectures, which have no KV cache: they process a whole text and cannot generate. Source:
 * `llama_model::create_memory` in `llama-model.cpp`, and `t5encoder`, the encoder of T5.
 */
const ENCODERS: ReadonlySet<string> = new Set([
  'bert',
  'modern-bert',
  'nomic-bert',
  'nomic-bert-moe',
  'neo-bert',
  'jina-bert-v2',
  'jina-bert-v3',
  'eurobert',
  'gemma-embedding',
  't5encoder',
]);

/** Architectures of diffusion models, which generate a text in several passes over all of it. Same source. */
const DIFFUSION: ReadonlySet<string> = new Set(['dream', 'llada', 'llada-moe', 'rnd1']);

/** Architectures of audio models and draft models, with the reason why they neither generate nor embed text. */
const NOT_TEXT: ReadonlyMap<string, string> = new Map([
  ['wavtokenizer-dec', 'it is an audio decoder'],
  ['qwen3tts', 'it is an audio model'],
  ['pockettts', 'it is an audio model'],
  ['eagle3', 'it is a draft model for speculative decoding'],
  ['dflash', 'it is a draft model for speculative decoding'],
  ['gemma4-assistant', 'it is a draft model for speculative decoding'],
]);

/**
 * Values of `<architecture>.pooling_type`, which defines how token embeddings are combined. Source:
 * `llama_pooling_type` in `llama.h`.
 */
const POOLING_NONE = 0;
const POOLING_RANK = 4;

/** The tensors that compute a score from an embedding. A model without one of them cannot rank. */
const RANK_HEAD: readonly string[] = ['cls.weight', 'cls.output.weight'];

/** Returns the abilities of a model, from its header: architecture, pooling type, rank head. */
export function modelAbilities(header: GgufHeader, tensorNames: Iterable<string>): ModelAbilities {
  const architecture = stringOf(header, 'general.architecture') ?? '';
  const notText = NOT_TEXT.get(architecture);
  if (notText !== undefined) return { generate: notText, embed: notText, rank: notText };
  const pooling = numberOf(header, `${architecture}.pooling_type`);
  const hasHead = [...tensorNames].some((name) => RANK_HEAD.includes(name));
  return {
    generate: cannotGenerateReason(architecture),
    embed: cannotProcessReason(architecture, pooling) ?? cannotEmbedReason(architecture, pooling),
    rank:
      cannotProcessReason(architecture, pooling) ??
      (hasHead ? null : `it has no rank head (${RANK_HEAD.join(' or ')})`),
  };
}

function cannotGenerateReason(architecture: string): string | null {
  if (ENCODERS.has(architecture)) return `its architecture, ${architecture}, is an encoder and does not generate text`;
  if (DIFFUSION.has(architecture)) return `its architecture, ${architecture}, is a diffusion model`;
  return null;
}

/** Returns why a model can neither embed nor rank, or null. llama.cpp aborts the process on an unknown pooling type. */
function cannotProcessReason(architecture: string, pooling: number | undefined): string | null {
  if (architecture === 't5') return 'it is an encoder-decoder model, for which llama.cpp does not provide embeddings';
  const known =
    pooling === undefined || (Number.isInteger(pooling) && pooling >= POOLING_NONE && pooling <= POOLING_RANK);
  return known ? null : `its pooling type, ${pooling}, is not supported`;
}

function cannotEmbedReason(architecture: string, pooling: number | undefined): string | null {
  if (pooling === POOLING_RANK) return 'it is a reranker, which returns scores instead of embeddings';
  // The embedding of the last token represents the whole text only in causal models.
  if (ENCODERS.has(architecture) && (pooling ?? POOLING_NONE) === POOLING_NONE) {
    return `it does not specify a pooling type (${architecture}.pooling_type)`;
  }
  return null;
}

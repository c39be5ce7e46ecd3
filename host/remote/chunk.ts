import * as v from 'valibot';
import { parseJson } from '../common/json-limits.ts';
import { validate } from '../common/validate.ts';

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

const Usage = v.object({
  prompt_tokens: v.optional(Count, 0),
  completion_tokens: v.optional(Count),
  prompt_tokens_details: v.nullish(v.object({ cached_tokens: v.nullish(Count) })),
  completion_tokens_details: v.nullish(v.object({ reasoning_tokens: v.nullish(Count) })),
});

/** A piece of a tool call. Some engines omit the index of a single call, or send the arguments as an object. */
const CallDelta = v.object({
  index: v.nullish(Count),
  id: v.nullish(v.string()),
  function: v.nullish(
    v.object({
      name: v.nullish(v.string()),
      arguments: v.nullish(v.union([v.string(), v.record(v.string(), v.unknown())])),
    }),
  ),
});

const Choice = v.object({
  /** In answers to conversations. */
  delta: v.nullish(
    v.object({
      content: v.nullish(v.string()),
      /** Sent by llama-server, vLLM, DeepSeek and LM Studio. */
      reasoning_content: v.nullish(v.string()),
      /** Sent by Ollama, OpenRouter and newer vLLM. Others send objects here. */
      reasoning: v.fallback(v.nullish(v.string()), undefined),
      tool_calls: v.nullish(v.array(CallDelta)),
    }),
  ),
  /** In answers to prompts. */
  text: v.nullish(v.string()),
  finish_reason: v.nullish(v.string()),
});

/** An event of an answer. Further fields are ignored. */
const Chunk = v.object({
  choices: v.optional(v.array(Choice), []),
  usage: v.nullish(Usage),
  error: v.optional(v.unknown()),
});

/** A piece of a tool call. */
export interface CallPiece {
  readonly index: number;
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly arguments: string;
}

/** The contents of an event. */
export interface ChunkFacts {
  readonly text: string;
  readonly reasoning: string;
  /** Pieces of tool calls. */
  readonly calls: readonly CallPiece[];
  readonly finishReason: string | undefined;
  readonly usage: v.InferOutput<typeof Usage> | undefined;
  /** Whether the event reports an error; see `readReportedError`. */
  readonly isError: boolean;
}

/** Parses the data of an event; undefined if it is invalid. */
export function readChunk(data: string): ChunkFacts | undefined {
  let value: unknown;
  try {
    value = parseJson(data);
  } catch {
    return undefined;
  }
  const { success, output } = validate(Chunk, value);
  if (!success) return undefined;
  const [choice] = output.choices;
  return {
    text: choice?.delta?.content ?? choice?.text ?? '',
    // Some engines send the reasoning under both names.
    reasoning: choice?.delta?.reasoning_content ?? choice?.delta?.reasoning ?? '',
    calls: (choice?.delta?.tool_calls ?? []).map(({ index, id, function: called }, position) => ({
      index: index ?? position,
      id: id ?? undefined,
      name: called?.name ?? undefined,
      arguments:
        typeof called?.arguments === 'object' && called.arguments !== null
          ? JSON.stringify(called.arguments)
          : (called?.arguments ?? ''),
    })),
    finishReason: choice?.finish_reason ?? undefined,
    usage: output.usage ?? undefined,
    isError: output.error !== undefined && output.error !== null,
  };
}

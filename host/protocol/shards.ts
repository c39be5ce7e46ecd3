/** A file name of a model in several parts: `name-00001-of-00003.gguf`. Source: llama.cpp's `llama_split_path`. */
const SHARD = /^(?<stem>.+)-(?<part>\d{5})-of-(?<count>\d{5})\.gguf$/;

/** Most parts a name may claim. The largest published models have some 200; the bound keeps a hostile name cheap. */
const MAX_SHARDS = 1000;

/**
 * All files of the model that `file` belongs to, in order: itself alone, or every part when it is one of a sharded
 * model's. A name that claims an impossible part (`00004-of-00003`) is an ordinary name.
 */
export function shardFiles(file: string): string[] {
  const groups = SHARD.exec(file)?.groups;
  const { stem, part, count } = {
    stem: groups?.stem,
    part: Number(groups?.part),
    count: Number(groups?.count),
  };
  if (stem === undefined || !(part >= 1 && part <= count && count <= MAX_SHARDS)) return [file];
  const pad = (n: number) => String(n).padStart(5, '0');
  return Array.from({ length: count }, (_, i) => `${stem}-${pad(i + 1)}-of-${pad(count)}.gguf`);
}

/** The file name of a split model: `name-00001-of-00003.gguf`. Source: llama.cpp's `llama_split_path`. */
const SHARD = /^(?<stem>.+)-(?<part>\d{5})-of-(?<count>\d{5})\.gguf$/;

/** Most files a name may claim. The largest published models have about 200; the limit keeps a hostile name cheap. */
const MAX_SHARDS = 1000;

/**
 * Returns all files of the model that `file` belongs to, in order: the file alone, or all files of a split model. A name
 * that claims an impossible number (`00004-of-00003`) is an ordinary name.
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

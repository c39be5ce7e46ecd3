/** The file name of a split model: `name-00001-of-00003.gguf`. Source: llama.cpp's `llama_split_path`. */
const SHARD = /^(?<stem>.+)-(?<part>\d{5})-of-(?<count>\d{5})\.gguf$/;

/** Most files a name may claim. The largest published models have about 200; the limit keeps a hostile name cheap. */
const MAX_SHARDS = 1000;

/** What a file name says about the split model that it belongs to. */
interface ShardName {
  readonly stem: string;
  /** The number of files, as the name claims: whether they exist is known only from a listing or a folder. */
  readonly count: number;
}

/** Reads the name of a shard. A name that claims an impossible number (`00004-of-00003`) is an ordinary name. */
function readShardName(file: string): ShardName | undefined {
  const groups = SHARD.exec(file)?.groups;
  const { stem, part, count } = {
    stem: groups?.stem,
    part: Number(groups?.part),
    count: Number(groups?.count),
  };
  return stem !== undefined && part >= 1 && part <= count && count <= MAX_SHARDS ? { stem, count } : undefined;
}

function shardAt({ stem, count }: ShardName, part: number): string {
  const pad = (n: number) => String(n).padStart(5, '0');
  return `${stem}-${pad(part)}-of-${pad(count)}.gguf`;
}

/** Returns a model's file name without the number of its shard and its extension. */
export function modelStem(file: string): string {
  return file.replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '');
}

/** Returns the name of the first file of the model that `file` belongs to: `file` itself unless the model is split. */
export function firstShard(file: string): string {
  const name = readShardName(file);
  return name === undefined ? file : shardAt(name, 1);
}

/** Returns how many files the model that `file` belongs to has, according to the name. */
export function claimedShards(file: string): number {
  return readShardName(file)?.count ?? 1;
}

/**
 * Yields the names of all files of the model that `file` belongs to, in order: the file alone, or all files of a split
 * model. The number of files is only claimed by the name, so callers stop at the first missing file.
 */
export function* eachShard(file: string): Generator<string, void> {
  const name = readShardName(file);
  if (name === undefined) yield file;
  else for (let part = 1; part <= name.count; part += 1) yield shardAt(name, part);
}

/**
 * Returns the names of all files of the model that `file` belongs to; undefined if one of them is not in `present`, which
 * ends the search.
 */
export function presentShards(file: string, present: ReadonlySet<string>): string[] | undefined {
  const files: string[] = [];
  for (const shard of eachShard(file)) {
    if (!present.has(shard)) return undefined;
    files.push(shard);
  }
  return files;
}

/** Returns the names of all files of one model, in order. For one model at a time; see {@link eachShard} for many. */
export function shardFiles(file: string): string[] {
  return [...eachShard(file)];
}

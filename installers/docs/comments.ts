import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Comments of the protocol's sources: above each exported name, and above each field, by the name it stands under. */
export interface Comments {
  /** The comment above `export const NAME` or `export interface NAME`. */
  ofName(name: string): string | undefined;
  /** The fields of an interface, with their types as they are written. */
  interfaceOf(name: string): readonly { readonly name: string; readonly isOptional: boolean; readonly type: string }[];
  /**
   * The comment above a field, in the first of these names that has one; else the one that all fields of this name
   * in the same source have.
   */
  ofField(names: readonly string[], field: string): string | undefined;
}

const COMMENT = String.raw`\/\*\*((?:[^*]|\*(?!\/))*)\*\/`;

/** Reads the doc comments of every source in these folders. They are written above what they are about, so lines suffice. */
export function readComments(folders: readonly string[]): Comments {
  const names = new Map<string, string>();
  const fields = new Map<string, string>();
  /** The source each name is declared in. */
  const sources = new Map<string, string>();
  const interfaces = new Map<string, { name: string; isOptional: boolean; type: string }[]>();
  for (const folder of folders) {
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
      const source = readFileSync(join(folder, file), 'utf8');
      for (const block of source.split(/^(?=(?:\/\*\*|(?:export )?(?:const|interface|function) ))/m)) {
        const declared = /^(?:export )?(?:const|interface) (\w+)/m.exec(block)?.[1];
        if (declared === undefined) {
          const next = source.slice(source.indexOf(block) + block.length);
          const name = /^(?:export )?(?:const|interface) (\w+)/.exec(next)?.[1];
          const [, text] = new RegExp(`^${COMMENT}\\s*$`).exec(block) ?? [];
          if (name !== undefined && text !== undefined) names.set(name, clean(text));
          continue;
        }
        sources.set(declared, file);
        if (/^(?:export )?interface /.test(block)) {
          const lines = [...block.matchAll(/^ {2}(?:readonly )?(\w+)(\??): (.+);$/gm)];
          const base = /^(?:export )?interface \w+ extends (\w+)/.exec(block)?.[1];
          interfaces.set(declared, [
            ...((base === undefined ? undefined : interfaces.get(base)) ?? []),
            ...lines.map(([, name = '', mark, type = '']) => ({ name, isOptional: mark === '?', type })),
          ]);
        }
        for (const [, text = '', field = ''] of block.matchAll(
          new RegExp(`${COMMENT}\\s*(?:readonly )?'?(\\w+)'?\\??:`, 'g'),
        )) {
          fields.set(`${declared}.${field}`, clean(text));
        }
      }
    }
  }
  return {
    ofName: (name) => names.get(name),
    interfaceOf: (name) => interfaces.get(name) ?? [],
    ofField: (owners, field) => {
      const own = owners.map((owner) => fields.get(`${owner}.${field}`)).find((text) => text !== undefined);
      if (own !== undefined) return own;
      const file = sources.get(owners[0] ?? '');
      const sameFile = [...fields].filter(([key]) => {
        const [owner = '', name] = key.split('.');
        return name === field && sources.get(owner) === file;
      });
      const texts = new Set(sameFile.map(([, text]) => text));
      return texts.size === 1 ? [...texts][0] : undefined;
    },
  };
}

function clean(text: string): string {
  return text
    .split('\n')
    .map((line, i) => (i === 0 ? line : line.replace(/^\s*\* ?/, '')).trim())
    .join(' ')
    .trim();
}

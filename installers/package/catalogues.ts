import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from './checksums.ts';
import { TARGETS, type TargetName } from './target.ts';
import { fillTemplate, type TemplateValues } from './template.ts';

/** The templates, under `installers/`, of each catalogue, and how it names the file that is fetched. */
const CATALOGUES = [
  {
    folder: 'homebrew',
    templates: ['tabagent-host.rb'],
    fetched: (full: string) => `${full}.tar.xz`,
  },
  {
    folder: 'winget',
    templates: ['TabAgent.Host.yaml', 'TabAgent.Host.installer.yaml', 'TabAgent.Host.locale.en-US.yaml'],
    fetched: (full: string) => `${full}-setup.exe`,
  },
] as const;

/**
 * Fills in the Homebrew formula and the winget manifests, for all targets whose files are in the folder. A catalogue
 * with none of its files there is left out.
 *
 * @param url Where the files will be fetched from, without a slash at its end.
 * @returns The files written.
 */
export async function writeCatalogues(out: string, version: string, url: string): Promise<string[]> {
  const written: string[] = [];
  for (const { folder, templates, fetched } of CATALOGUES) {
    const file = (target: TargetName) => join(out, fetched(`tabagent-host-${version}-${target}`));
    const values = await valuesOf(
      TARGETS.filter((target) => existsSync(file(target))),
      file,
    );
    if (values.size === 0) continue;
    mkdirSync(join(out, folder), { recursive: true });
    for (const template of templates) {
      const source = fileURLToPath(new URL(`../${folder}/${template}.template`, import.meta.url));
      const text = fillTemplate(readFileSync(source, 'utf8'), new Map([...values, ['version', version], ['url', url]]));
      writeFileSync(join(out, folder, template), text);
      written.push(`${folder}/${template}`);
    }
  }
  return written;
}

async function valuesOf(targets: readonly TargetName[], file: (target: TargetName) => string): Promise<TemplateValues> {
  const values = new Map<string, string>();
  for (const target of targets) {
    const sum = await sha256(file(target));
    values.set(`${target}.file`, basename(file(target)));
    values.set(`${target}.sha256`, sum);
    // winget writes them in capitals.
    values.set(`${target}.SHA256`, sum.toUpperCase());
  }
  return values;
}

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { initWasm, Resvg } from '@resvg/resvg-wasm';

/** Icon sizes that browsers use, in pixels. */
const SIZES = [16, 32, 48, 128];

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Renders the extension's icon in all sizes. Returns the files in the form that WXT's `build:publicAssets` hook
 * expects.
 */
export async function iconFiles(): Promise<{ absoluteSrc: string; relativeDest: string }[]> {
  const folder = join(root, 'dist', 'extension', '.icons');
  const svg = await readFile(join(root, 'extension', 'icon', 'icon.svg'), 'utf8');
  await mkdir(folder, { recursive: true });
  await initialize();
  return Promise.all(
    SIZES.map(async (size) => {
      const absoluteSrc = join(folder, `${size}.png`);
      await writeFile(absoluteSrc, new Resvg(svg, { fitTo: { mode: 'width', value: size } }).render().asPng());
      return { absoluteSrc, relativeDest: `icon/${size}.png` };
    }),
  );
}

async function initialize(): Promise<void> {
  const wasm = createRequire(import.meta.url).resolve('@resvg/resvg-wasm/index_bg.wasm');
  try {
    await initWasm(await readFile(wasm));
  } catch (error) {
    // The build for the other browser has already initialized it, and the package has no way to check.
    if (!String(error).includes('Already initialized')) throw error;
  }
}

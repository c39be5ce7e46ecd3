import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { HOST_MAIN } from '../../support/host/host-process.ts';

/** The modules of Node.js that are loaded at startup. Each adds to the startup time. */
const NODE_MODULES = ['async_hooks', 'fs', 'fs/promises', 'net', 'os', 'path', 'stream'];

const importsOf = (file: string) =>
  [...readFileSync(file, 'utf8').matchAll(/(?:^|[;}\n])import[^"'();]*"([^"]+)"/g)].map(([, module = '']) => module);

describe('the startup of the host', () => {
  it('loads one file in addition to the main file', () => {
    expect(importsOf(HOST_MAIN)).toEqual([expect.stringMatching(/^\.\/parts\/[\w-]+\.js$/)]);
  });

  it('loads few modules of Node.js, and nothing else', () => {
    const [start = ''] = importsOf(HOST_MAIN);
    const modules = importsOf(resolve(HOST_MAIN, '..', start));
    expect([...new Set(modules)].sort()).toEqual(NODE_MODULES.map((name) => `node:${name}`));
  });
});

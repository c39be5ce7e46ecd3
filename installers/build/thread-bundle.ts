import type { BuildOptions } from 'esbuild';

/** Returns the build options of the thread that owns the conversation database, as one file. */
export function threadBuildOptions(root: string, outdir = 'dist/host/conversations'): BuildOptions {
  return {
    absWorkingDir: root,
    entryPoints: [{ in: 'host/conversations/conversation-thread.ts', out: 'thread' }],
    outdir,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
  };
}

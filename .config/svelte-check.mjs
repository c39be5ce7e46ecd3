import { registerHooks } from 'node:module';

/** TypeScript 7 has no interface yet that svelte-check could use: it gets the one before. `tsc` itself is 7. */
registerHooks({
  resolve: (specifier, context, next) => next(specifier === 'typescript' ? 'typescript-6' : specifier, context),
});

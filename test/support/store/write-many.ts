import { openStore } from '../../../host/store/store.ts';

/** Writes values with the keys `<prefix>-<n>` to a store, in a separate process. Arguments: `file prefix count`. */
const [file = '', prefix = '', count = '0'] = process.argv.slice(2);
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const store = await openStore(file, silent);
const shared = store.namespace<string>('shared');
for (let n = 0; n < Number(count); n++) await shared.set(`${prefix}-${n}`, `${prefix} wrote ${n}`);
await store.close();

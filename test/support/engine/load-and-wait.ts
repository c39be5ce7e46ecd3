import { loadRequest, TestModels } from './test-models.ts';

/** A host in small, to be killed: loads the model of its argument, keeps another runner warm, tells both process ids. */
const [file = ''] = process.argv.slice(2);
const host = new TestModels();
await host.load(await loadRequest('m', file));
const ready = host.log.next('engine.runner-ready');
host.engine.warm();
await ready;
process.send?.([host.pidOf('m'), host.engine.warmPid]);

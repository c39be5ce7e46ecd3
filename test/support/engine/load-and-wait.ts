import { loadRequest, TestModels } from './test-models.ts';

/** A minimal host for a test to kill: loads the model of its argument, keeps another runner warm, prints both process IDs. */
const [file = ''] = process.argv.slice(2);
const host = new TestModels();
await host.load(await loadRequest('m', file));
const ready = host.log.next('engine.runner-ready');
host.engine.warm();
await ready;
process.send?.([host.pidOf('m'), host.engine.warmPid]);

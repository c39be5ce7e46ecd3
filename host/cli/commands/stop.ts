import { EXIT } from '../../common/exit-codes.ts';
import { type CommandContext, print } from '../context.ts';
import { loadedModel } from '../loaded-model.ts';

/** `tabagent stop`. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client } = context;
  const [typed] = input.args;
  const model = typed === undefined ? {} : { modelId: await loadedModel(typed, client) };
  const { payload } = await client.request('STOP_GENERATION', { ...model, everywhere: true });
  const { stopped } = payload;
  print(context, { stopped }, () =>
    stopped === 0 ? 'No answer is being generated.\n' : `Stopped ${stopped} ${stopped === 1 ? 'answer' : 'answers'}.\n`,
  );
  return EXIT.ok;
}

import * as declared from '../protocol/actions/settings.ts';
import { handle } from './action.ts';

/** Adds a note about unknown settings: clients of the original may send others, and are not refused. */
function withNote(message: string, sent: object): string {
  const unknown = Object.keys(sent).filter((name) => !Object.hasOwn(declared.savedSettings, name));
  return unknown.length === 0 ? message : `${message}. Ignored unknown settings: ${unknown.join(', ').slice(0, 500)}`;
}

export const updateSettings = handle(declared.updateSettings, async (request, { services }) => {
  const settings = await (await services.settings()).change(request.settings);
  return { payload: { settings }, message: withNote('Settings updated', request.settings) };
});

export const getParams = handle(declared.getParams, async (_request, { services }) => {
  return { payload: { params: await (await services.settings()).get() } };
});

export const setParams = handle(declared.setParams, async (request, { services }) => {
  const params = await (await services.settings()).change(request.params);
  return { payload: { params }, message: withNote('Parameters updated', request.params) };
});

import { KEPT_SETTINGS } from '../protocol/actions/generation.ts';
import type { Actions } from './action.ts';

/** A sentence about names that were sent and are not kept: a client of the original may send others, and is not refused. */
function said(done: string, sent: object): string {
  const unknown = Object.keys(sent).filter((name) => !KEPT_SETTINGS.includes(name));
  return unknown.length === 0
    ? done
    : `${done}. Not kept, since this host has no such setting: ${unknown.join(', ').slice(0, 500)}`;
}

export const actions: Actions<'UPDATE_SETTINGS' | 'GET_PARAMS' | 'SET_PARAMS'> = {
  async UPDATE_SETTINGS(request, { services }) {
    const settings = await (await services.settings()).change(request.settings);
    return { payload: { settings }, topLevel: { settings }, message: said('Settings updated', request.settings) };
  },

  async GET_PARAMS(_request, { services }) {
    const params = await (await services.settings()).get();
    return { payload: { params }, topLevel: { params } };
  },

  async SET_PARAMS(request, { services }) {
    const params = await (await services.settings()).change(request.params);
    return { payload: { params }, topLevel: { params }, message: said('Parameters updated', request.params) };
  },
};

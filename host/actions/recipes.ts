import { RECIPES } from '../catalog/recipes.ts';
import type { Actions } from './action.ts';

export const actions: Actions<'GET_RECIPES' | 'GET_REGISTERED_MODELS'> = {
  async GET_RECIPES() {
    const recipes = RECIPES.map((recipe) => ({ ...recipe, os_support: [...recipe.os_support] }));
    const payload = { recipes, total: recipes.length };
    return { payload, topLevel: payload };
  },

  async GET_REGISTERED_MODELS(_request, { services }) {
    const entries = await (await services.catalog()).entries();
    const models = Object.fromEntries(
      entries.map((entry) => [
        entry.id,
        {
          name: entry.name,
          repo: entry.repo_id,
          type: entry.model_type,
          description: entry.description,
          size_gb: entry.size_gb,
          recommended: entry.suggested,
          variants: entry.default_quant === '' ? [] : [entry.default_quant],
        },
      ]),
    );
    return { payload: { models, total: entries.length } };
  },
};

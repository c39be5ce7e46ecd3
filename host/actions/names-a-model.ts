const NAMING = ['modelPath', 'repoId', 'modelId', 'model_id', 'model_name', 'model', 'modelFile', 'fileName'];

/** Says whether a request names a model by any of the fields that can. */
export function namesAModel(request: object): boolean {
  return NAMING.some((field) => field in request);
}

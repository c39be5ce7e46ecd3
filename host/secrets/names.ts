/** The name of the hub token in the secrets. */
export const HUB_TOKEN_NAME = 'hub-token';

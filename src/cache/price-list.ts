/** The list of prices, as far as it is used: the bundle leaves the rest out. Loaded to tell a cost. */
export { calcPrice } from '@pydantic/genai-prices';

/** The list of prices that the program is built with, as far as it is used: the bundle leaves the rest out. Loaded to tell a cost. */
export { calcPrice, findProvider, type ModelInfo, type Provider } from '@pydantic/genai-prices';

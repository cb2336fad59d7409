from setuptools import setup, Extension
from Cython.Build import cythonize
setup(ext_modules=cythonize([Extension(f"mqttcodec.{n}",[f"src/mqttcodec/{n}.pyx"],extra_compile_args=["-O3","-g0","-fvisibility=hidden","-Wall","-Wextra"]) for n in ("_packets_c","_decode_c","_encode_c","_codec_c")], include_path=["src"]))

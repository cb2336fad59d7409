from setuptools import Extension, setup

setup(ext_modules=[Extension("mqtt_bridge", ["mqtt_bridge.pyx"])])

# Install rules and the package config come with the LibTorch frontend.

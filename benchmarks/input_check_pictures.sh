#!/bin/sh
# Fetch pictures of anything but heads, to calibrate and to measure the input check with; a Debian
# machine and pip are needed, 600 MB are fetched. None of them becomes part of this repository.
#
#     benchmarks/input_check_pictures.sh FOLDER
set -eu
mkdir -p "$1/fetched"
cd "$1/fetched"
for package in gnome-backgrounds tuxpaint-stamps-default openclipart-png plasma-workspace-wallpapers \
    stellarium-data mate-backgrounds opencv-doc tango-icon-theme marble-data desktop-base \
    lxqt-themes insighttoolkit5-examples; do
    apt-get download "$package"
    dpkg -x "$package"_*.deb "../$package"
done
# The last wheel that ships its pictures.
pip download --no-deps --only-binary :all: --python-version 3.8 scikit-image==0.16.2
python -m zipfile -e scikit_image-*.whl ../scikit-image
pip download --no-deps --only-binary :all: --python-version 3.10 scipy==1.9.3
python -m zipfile -e scipy-*.whl ../scipy

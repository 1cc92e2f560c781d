// Package imagedec adds the image formats BMP, TIFF and WebP to those that
// package reference decodes for ImageDecoder. It has no use but to be imported:
//
//	import _ "example.com/midplane/operators/reference/imagedec"
//
// It is a package of its own because it needs a module, golang.org/x/image, that
// those who decode no such images should not have to link.
package imagedec

import (
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"example.com/midplane/operators/reference"
)

func init() {
	reference.RegisterImageDecoder("BMP", bmp.Decode, bmp.DecodeConfig)
	reference.RegisterImageDecoder("TIFF", tiff.Decode, tiff.DecodeConfig)
	reference.RegisterImageDecoder("WebP", decodeWebP, webp.DecodeConfig)
}

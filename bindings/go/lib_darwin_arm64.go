package tidegate

import _ "github.com/tidegate/tidegate/bindings/go/internal/lib/darwin_arm64"

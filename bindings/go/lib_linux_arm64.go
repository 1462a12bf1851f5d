package tidegate

import _ "github.com/tidegate/tidegate/bindings/go/internal/lib/linux_arm64"

module github.com/tidegate/tidegate/bindings/go

go 1.25.0

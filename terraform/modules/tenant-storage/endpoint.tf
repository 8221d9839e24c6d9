# A way into S3 without the internet. The bucket policies do not demand it: a denial of every other
# way would shut the vendor's gateway out.

resource "aws_vpc_endpoint" "this" {
  count = var.vpc_endpoint == null ? 0 : 1

  vpc_id             = var.vpc_endpoint.vpc_id
  service_name       = "com.amazonaws.${data.aws_region.current.region}.s3"
  vpc_endpoint_type  = var.vpc_endpoint.kind == "gateway" ? "Gateway" : "Interface"
  policy             = local.endpoint_policy
  route_table_ids    = var.vpc_endpoint.kind == "gateway" ? var.vpc_endpoint.route_table_ids : null
  subnet_ids         = var.vpc_endpoint.kind == "interface" ? var.vpc_endpoint.subnet_ids : null
  security_group_ids = var.vpc_endpoint.kind == "interface" ? var.vpc_endpoint.security_group_ids : null

  tags = local.tags
}

"""A server of S3 with the files named, in the bucket "data", which only one user may read. Prints where it is and the user's keys as JSON, and ends
with its standard input."""

import json
import logging
import pathlib
import sys

try:
    import boto3
    import requests
    from moto.server import ThreadedMotoServer
except ImportError as error:
    sys.exit(f"moto is missing: {error}")

# Nobody reads what it would say of each request.
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
address = f"http://{host}:{port}"
options = {
    "endpoint_url": address,
    "region_name": "us-east-1",
    "aws_access_key_id": "anyone",
    "aws_secret_access_key": "anything",
}
s3, iam = boto3.client("s3", **options), boto3.client("iam", **options)
s3.create_bucket(Bucket="data")
for name in sys.argv[1:]:
    s3.put_object(Bucket="data", Key=pathlib.Path(name).name, Body=pathlib.Path(name).read_bytes())
iam.create_user(UserName="reader")
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=json.dumps(policy))
keys = iam.create_access_key(UserName="reader")["AccessKey"]
# From now on signatures are checked.
requests.post(f"{address}/moto-api/reset-auth", data="0", timeout=60)
print(json.dumps({"address": address, "id": keys["AccessKeyId"], "secret": keys["SecretAccessKey"]}), flush=True)
sys.stdin.read()
server.stop()

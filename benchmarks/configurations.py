"""Configuration files of the other servers, for `str.format`."""

from __future__ import annotations

from typing import Final

NGINX: Final = """\
{module}
{user}
daemon off;
worker_processes 1;
pid {directory}/pid;
events {{ worker_connections 4096; }}
http {{
    types {{ text/html html; }}
    default_type application/octet-stream;
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path {directory}/client;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        location / {{ {location} }}
    }}
}}
"""

APACHE: Final = """\
ServerRoot {directory}
ServerName localhost
PidFile {directory}/pid
ErrorLog {directory}/errors
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule mime_module {modules}/mod_mime.so
LoadModule autoindex_module {modules}/mod_autoindex.so
TypesConfig /dev/null
<IfModule unixd_module>
    User www-data
    Group www-data
</IfModule>
StartServers 1
ServerLimit 4
ThreadsPerChild 25
MaxKeepAliveRequests 0
DocumentRoot {root}
<Directory {root}>
    Options Indexes
    AllowOverride None
    Require all granted
    IndexOptions FancyIndexing VersionSort HTMLTable NameWidth=* DescriptionWidth=* Charset=UTF-8
</Directory>
"""

CADDY: Final = """\
{{
    admin off
    auto_https off
}}
http://127.0.0.1:{port} {{
    bind 127.0.0.1
    root * {root}
    file_server browse
}}
"""
